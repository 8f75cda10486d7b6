"""What has to be run to be known: latency, accuracy, ranges for quantisation."""
