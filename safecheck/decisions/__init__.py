"""What a team has decided about findings: deviations, baselines, and the difference of two audits."""
