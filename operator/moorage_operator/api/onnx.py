"""How ONNX Runtime runs the model, in its own words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from moorage_operator.api.frozen import ATOMIC, Frozen, cel, checked
from moorage_runtime.config import SESSION_CONFIG

_Threads = Annotated[int, Field(ge=1, le=256)]

SESSION_KEYS = tuple(SESSION_CONFIG)


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
    enable_tree_kernel: bool | None = None
    """Whether a forest of decision trees is walked by the runtime's own kernel, several times quicker, where it answers
    as ONNX Runtime does to the last bit. Example: false, to have ONNX Runtime run it all the same. Default: true."""
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
