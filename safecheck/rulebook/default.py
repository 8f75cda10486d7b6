"""The profile that judges where nobody names one."""

DEFAULT = "tensorrt-8.6-restricted"
