"""Remembering answers: which requests are the same, where answers lie, and that equal questions are asked once.

`keys.key` names a request by the model's digest, its tensors and the wanted outputs: whichever door it came through,
the same tensors have the same key. A `store.Store` keeps outputs by key, in this process (`memory`) or in Redis
(`remote`); neither ever raises. `answers.Answers` is what the data plane asks, once per call:

    answers.admit(call, start)

It either finishes the call from the store, or lets it wait for an equal call's run, or calls `start(flight)`. A flight
runs in the call's place: to batching it is a call like any other. Only answers are kept, never refusals.
"""
