"""The judgement as one value: the audit, the report around it, and the values that others add to a report."""
