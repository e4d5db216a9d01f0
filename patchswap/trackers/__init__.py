"""One job as a run of an experiment tracker, written by the tracker's own library: the extra [trackers]."""
