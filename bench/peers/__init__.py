"""Other ways to do the same work, measured on the same input: ``python -m bench.peers``.

| peer | is |
|---|---|
| ``faust`` | stock Faust, a record a node and time, as its own documentation writes it |
| ``quix`` | the same in Quix Streams |
| ``pathway`` | the same in Pathway |
| ``bytewax`` | the same in Bytewax |
| ``kafka-streams``, ``flink`` | the same in Java, in Kafka Streams and in Flink's DataStream API |
| ``kafka-streams-frames``, ``flink-frames`` | the same two with frames and arrays, as gridstress |
| ``plain`` | no framework, no state store, no output: what one process can do at most |

A peer is measured from its first record to its last result, and its results are compared with
what `gridstress.verify.recompute` makes of the same measurements before its time counts.
"""
