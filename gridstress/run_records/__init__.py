"""What senders say of the runs they send: the records of the compacted topic ``runs``."""
