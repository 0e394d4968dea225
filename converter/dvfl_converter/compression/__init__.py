"""Post-training compression: temporal kernels of low rank, fitted on clips and judged on others."""
