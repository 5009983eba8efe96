"""The plain API: rows of named features in, predictions out.

    {"features": {"age": 41, ...}}   or   {"rows": [{...}, ...]}
    optional: "options" (or "parameters"): {"return_probabilities": true, "request_id": "..."}

`layout` says which features there are; `reader` takes a body apart, quickly where nothing is wrong, and else by
`checks`, which finds everything that is wrong; `writer` knows, once per model, which output is the prediction.
"""
