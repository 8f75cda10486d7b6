"""The meanings of layers by families; `safecheck.nvidia.translation.meanings` is the table."""
