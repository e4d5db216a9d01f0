"""`python -m trainer VERB SPEC.json --pack DIR --out DIR`: one verb, JSON lines on stdout, people's words on stderr.

Exit status: 0 after `done`, 3 after `failed`, 4 after `stopped`; anything else is a crash.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from core.progress import EXIT_DONE, EXIT_FAILED, EXIT_STOPPED, Failed, Message, Notice, Stopped
from core.spec import ResolvedSpec, SpecInvalid, parse, resolve
from trainer import device, errors, process
from trainer.output import Output
from trainer.pack import Pack, open_pack


def main() -> int:
    process.die_with_parent()
    arguments = _arguments()
    output = Output.claim_stdout()
    last: Message | None = None
    try:
        for last in _messages(arguments):
            output.emit(last)
    except Exception as error:
        named = errors.named(error)
        if named is None:
            raise
        output.emit(Failed(error=named))
        return EXIT_FAILED
    return EXIT_STOPPED if isinstance(last, Stopped) else EXIT_DONE


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trainer", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, words in (("train", "train one arm, or resume it"), ("evaluate", "measure the trained weights")):
        command = verbs.add_parser(verb, help=words)
        command.add_argument("spec", type=Path)
        command.add_argument("--pack", type=Path, required=True)
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("--arm", choices=("main", "control"), default="main")
    return parser.parse_args()


def _messages(arguments: argparse.Namespace) -> Iterator[Message]:
    pack = open_pack(arguments.pack)
    spec, notices = _read_spec(arguments.spec, pack)
    if arguments.verb == "train":
        from trainer.training import train

        yield from notices
        stop = process.StopRequest.on_sigterm()
        yield from train(spec, pack=pack, out=arguments.out, arm=arguments.arm, device=device.choose(), stop=stop)
    else:
        from trainer.evaluation import evaluate

        yield from evaluate(spec, pack=pack, out=arguments.out, arm=arguments.arm, device=device.choose())


def _read_spec(path: Path, pack: Pack) -> tuple[ResolvedSpec, list[Notice]]:
    """A spec as submitted or as resolved: resolving again changes nothing."""
    body = json.loads(path.read_bytes())
    try:
        asked = parse({name: value for name, value in body.items() if name not in ("height", "width")})
        spec, warnings = resolve(asked, pack.manifest)
    except SpecInvalid as error:
        raise errors.spec_invalid(error) from error
    return spec, [Notice(severity="warning", code=w.code, message=w.message) for w in warnings]


if __name__ == "__main__":
    sys.exit(main())
