"""Runs many programs: ``python -m tests.random_programs SEEDS [FIRST] [--shrink]``."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import time

from tests.random_programs.check import HANGS, check, run_many
from tests.random_programs.generate import generate
from tests.random_programs.program import Program, size
from tests.random_programs.shrink import shrink

say = print


def report(seed: int, wrong: list[str]) -> None:
    """Print what is wrong with the program of a seed."""
    say(f"seed {seed}:", *wrong[:6], sep="\n    ", flush=True)


async def show_smaller(seed: int, without: list[str]) -> None:
    """Print a smaller program that fails like that of the seed."""
    tries = iter(range(10**9))

    async def wrong_with(candidate: Program) -> list[str]:
        try:
            return await check(candidate, f"seed-{seed}-{next(tries)}", patience=2.0)
        except Exception:
            return []  # no program any more

    async def fails(candidate: Program) -> bool:
        wrong = await wrong_with(candidate)
        return bool(wrong) and (wrong == [HANGS]) == hangs

    program = generate(seed, without)
    hangs = await wrong_with(program) == [HANGS]
    program = await shrink(program, fails)
    say(f"seed {seed}, {size(program.main)} nodes:", json.dumps(program.to_json()))
    say(*await wrong_with(program), sep="\n")


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int)
    parser.add_argument("first", type=int, nargs="?", default=0)
    parser.add_argument("--without", default="", help="kinds of nodes to leave out, with commas")
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--shrink", action="store_true", help="make smaller what fails")
    options = parser.parse_args()
    without = [name for name in options.without.split(",") if name]
    seeds = range(options.first, options.first + options.seeds)
    logging.getLogger("hourglass").setLevel(logging.CRITICAL + 1)
    began = time.monotonic()
    failed = asyncio.run(run_many(seeds, without, options.at_once, report))
    took = time.monotonic() - began
    say(f"{len(seeds)} programs in {took:.0f} s, failed:", *failed if failed else ["none"])
    if options.shrink:
        for seed in failed:
            asyncio.run(show_smaller(seed, without))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
