package gridstress;

import com.fasterxml.jackson.annotation.JsonProperty;

/** One node's load in MW at an event time in epoch seconds. */
public record Measurement(String node, double timestamp, @JsonProperty("load_mw") double loadMw) {}
