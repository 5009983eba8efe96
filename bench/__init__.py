"""What a prediction costs: this runtime beside constant answers, onnxruntime alone and the other model servers.

    make bench        or        python -m bench [--only GLOB ...] [--quick] [--rounds N]

Every server runs on core 0 with all its processes, the load comes from core 1; see docs/benchmarks.md.
"""
