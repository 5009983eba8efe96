"""The V1 protocol of TensorFlow Serving and KServe: `instances` by row, or `inputs` by column.

    {"instances": [1.0] | [[1.0]] | [{"input": ...}] | [{"feature": ...}]}    ->  {"predictions": [...]}
    {"inputs": [[1.0]] | {"input": [[1.0]], ...}}                             ->  {"outputs": ...}

A model with one output answers its values; one with several answers objects, every output by its name. Bytes are
`{"b64": "..."}`, in and, where they are no text, out. `signature_name` and other keys are tolerated.
"""
