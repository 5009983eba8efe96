"""How ONNX Runtime runs the model, in its own words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from moorage_operator.api.frozen import ATOMIC, Frozen, cel, checked

_Threads = Annotated[int, Field(ge=1, le=256)]

SESSION_KEYS = (
    "session.intra_op.allow_spinning",
    "session.inter_op.allow_spinning",
    "session.intra_op_thread_affinities",
    "session.dynamic_block_base",
    "session.force_spinning_stop",
    "session.intra_op.spin_duration_us",
    "session.inter_op.spin_duration_us",
    "session.set_denormal_as_zero",
    "session.use_deterministic_compute",
    "session.disable_prepacking",
    "session.prepack.enable_parallel",
    "session.use_device_allocator_for_initializers",
    "session.disable_aot_function_inlining",
    "session.disable_quant_qdq",
    "session.disable_double_qdq_remover",
    "session.disable_qdq_constant_folding",
    "session.enable_quant_qdq_cleanup",
    "session.enable_dq_matmulnbits_fusion",
    "session.qdqisint8allowed",
    "session.x64quantprecision",
    "session.qdq_matmulnbits_accuracy_level",
    "session.qdq_matmulnbits_block_size",
    "optimization.enable_gelu_approximation",
    "optimization.enable_cast_chain_elimination",
    "optimization.disable_specified_optimizers",
    "optimization.constant_folding_max_output_size_in_bytes",
    "mlas.enable_gemm_fastmath_arm64_bfloat16",
    "mlas.qnbit.force_fp32",
)
"""The keys that tune speed or numerics. None names a file, loads a library or changes the file format."""


class Onnx(Frozen):
    """Options of ONNX Runtime's session. What is absent is chosen by the runtime."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            cel(
                "!has(self.interOpNumThreads) || self.interOpNumThreads == 1"
                " || (has(self.executionMode) && self.executionMode == 'parallel')",
                "interOpNumThreads above 1 has an effect only with executionMode: parallel; set it, or remove "
                "interOpNumThreads",
                path=".interOpNumThreads",
            )
        )
    )

    intra_op_num_threads: _Threads | None = None
    """Threads that share one operator, for example 2. 1 to 256. Default: the container's CPU limit."""
    inter_op_num_threads: _Threads | None = None
    """Operators that run side by side, for example 2; above 1 only with executionMode: parallel. 1 to 256. Default:
    1."""
    graph_optimization_level: Literal["disable", "basic", "extended", "layout", "all"] | None = None
    """How far the graph is rewritten before it runs, for example extended, to leave the layout of the data as it is.
    Default: all."""
    execution_mode: Literal["sequential", "parallel"] | None = None
    """Whether independent operators of one run go side by side: parallel, for a model with wide branches. Default:
    sequential."""
    execution_providers: (
        Annotated[
            tuple[Annotated[str, Field(max_length=64, pattern="^[A-Za-z0-9]+ExecutionProvider$")], ...],
            Field(min_length=1, max_length=8),
        ]
        | None
    ) = Field(
        default=None,
        json_schema_extra=ATOMIC
        | checked(
            cel(
                "self.all(x, self.exists_one(y, y == x))",
                "executionProviders must name each provider once; remove the second one",
            )
        ),
    )
    """Execution providers in the order in which they are tried, by ONNX Runtime's names, for example
    [CUDAExecutionProvider, CPUExecutionProvider]. One that the image lacks is refused with the names of those it has.
    Default: [CPUExecutionProvider]."""
    enable_cpu_mem_arena: bool | None = None
    """Whether memory is kept between runs: faster, but not given back after a large request. Example: false
    for a model whose requests differ much in size. Default: true."""
    enable_mem_pattern: bool | None = None
    """Whether the memory of one run is laid out in advance when shapes repeat. Example: false for a model
    whose shapes never do. Default: true."""
    session_config: Annotated[
        dict[str, Annotated[str, Field(max_length=1024)]],
        Field(
            max_length=16,
            json_schema_extra=checked(
                cel(
                    f"self.all(k, k in {list(SESSION_KEYS)})",
                    "sessionConfig takes only keys that tune speed or numerics, such as "
                    "session.intra_op.allow_spinning, session.set_denormal_as_zero, session.disable_prepacking and "
                    "optimization.enable_gelu_approximation; remove the others",
                )
            ),
        ),
    ] = Field(default_factory=dict)
    """Entries of the session's configuration, all values as text, for example {session.intra_op.allow_spinning: "1"}.
    Only keys that tune speed or numerics."""
