"""Random workflow programs, run on the embedded engine under time skipping and held to a model.

A program is data (`program`), made from a seed (`generate`) and run by one interpreter
(`interpreter`) against a *world*: what a workflow can ask for. The worlds are a workflow's own
(`workflow_world`) and the model (`model`, which has the rules): plain asyncio on a loop whose time
is virtual, where an activity is its scripted outcome after its scripted time. `driver` runs a
program on an environment of its own, with a random cache, evictions and things said from outside;
`check` compares; `shrink` finds a smaller program that fails as well.

In three programs of four no two events meet by intention, and the model is run a few times with
events that are late at random: if it says the same each time, reality has to. In the others events
do meet: those have to end, and to replay.

``python -m tests.random_programs SEEDS FIRST`` runs many. Their histories also replay on every
Python that is there (`replay`).
"""
