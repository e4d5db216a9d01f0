"""compare, and compare show, watch, list, cancel, rm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from patchswap.cli import comparison_bars, specs
from patchswap.cli.comparison_table import text_of
from patchswap.cli.output import Json, connect, emit, note, table
from patchswap.errors import BadInput

if TYPE_CHECKING:
    from patchswap.calls.comparisons import Comparison, TableFormat
    from patchswap.client import Client

app = typer.Typer()
ComparisonId = Annotated[str, typer.Argument(metavar="COMPARISON", help="Comparison, cmp_...")]
CsvFile = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Save the table as CSV.")]
MarkdownFile = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Save the table as Markdown.")]
Files: TypeAlias = dict["TableFormat", Path]
PngFile = Annotated[Path | None, typer.Option("--png", metavar="FILE", help="Save a plot as PNG.")]


@app.callback(invoke_without_command=True)
def compare(  # noqa: PLR0913, PLR0917 - one for each option
    context: typer.Context,
    dataset: Annotated[str | None, typer.Option(help="Dataset: NAME, NAME@2, ds_... or dsv_...")] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:SETTING=VALUE,...]",
            help="Method to train. Repeatable. The baseline, cross_entropy, is added.",
        ),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Number of seeds, or the seeds themselves: 0,1,7.")] = "5",
    budget: Annotated[
        str, typer.Option(help="Budget of all methods: images_seen, or epochs as the literature counts them.")
    ] = "images_seen",
    recipe: Annotated[str | None, typer.Option(help="Recipe to start from; see `patchswap recipes list`.")] = None,
    spec: Annotated[Path | None, typer.Option(help="JSON file with the settings that all jobs share.")] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Set one field, such as training.epochs=5. Repeatable."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Display name.")] = None,
    follow: Annotated[bool, typer.Option("--watch/--no-watch", help="Follow the jobs to their end.")] = True,
    csv: CsvFile = None,
    markdown: MarkdownFile = None,
    png: PngFile = None,
    as_json: Json = False,
) -> None:
    """Train several methods with the same seeds, follow them, and print the table. Exits with 1 unless all succeed."""
    if context.invoked_subcommand is not None:
        return
    if dataset is None or not method:
        raise BadInput("Name what to compare: --dataset, and --method once or more. See `patchswap compare --help`.")
    base = specs.read(spec) if spec else {}
    base |= {"recipe": recipe} if recipe is not None else {}
    specs.set_all(base, assign or [])
    body: dict[str, Any] = {"spec": base, "methods": [specs.method(one) for one in method], "seeds": specs.seeds(seeds)}
    body |= {"budget": budget} | ({"name": name} if name is not None else {})
    files = _files(csv, markdown, png)
    with connect() as client:
        comparison = client.comparisons.create(body, dataset=dataset)
        if follow:
            note(f"{comparison.id}: {len(comparison.jobs)} jobs.")
            _follow(client, comparison, files, as_json=as_json)
            return
    emit(comparison, as_json=as_json, text=comparison.id)
    if not as_json:
        note(f"Follow it: patchswap compare watch {comparison.id}")


@app.command()
def watch(
    comparison_id: ComparisonId,
    csv: CsvFile = None,
    markdown: MarkdownFile = None,
    png: PngFile = None,
    as_json: Json = False,
) -> None:
    """Follow a comparison to its end. Ctrl-C leaves its jobs alone."""
    files = _files(csv, markdown, png)
    with connect() as client:
        _follow(client, client.comparisons.get(comparison_id), files, as_json=as_json)


@app.command()
def show(
    comparison_id: ComparisonId,
    csv: CsvFile = None,
    markdown: MarkdownFile = None,
    png: PngFile = None,
    as_json: Json = False,
) -> None:
    """Show the table of a comparison."""
    files = _files(csv, markdown, png)
    with connect() as client:
        comparison = client.comparisons.get(comparison_id)
        _print(client, comparison, files, as_json=as_json)


@app.command("list")
def list_comparisons(
    limit: Annotated[int, typer.Option(min=1, help="Show the most recent N.")] = 20, as_json: Json = False
) -> None:
    """List comparisons, newest first."""
    with connect() as client:
        found = [one for one, _ in zip(client.comparisons.list(), range(limit), strict=False)]
    rows = [(c.id, c.name, c.status, len(c.methods), len(c.seeds), c.created_at) for c in found]
    emit(found, as_json=as_json, text=table(("ID", "NAME", "STATUS", "METHODS", "SEEDS", "CREATED"), rows))


@app.command()
def cancel(comparison_id: ComparisonId, as_json: Json = False) -> None:
    """Cancel the jobs of a comparison that have not ended. The table keeps the results of the others."""
    with connect() as client:
        comparison = client.comparisons.cancel(comparison_id)
    counts = ", ".join(f"{number} {status}" for status, number in comparison.counts.items())
    emit(comparison, as_json=as_json, text=f"{comparison.id} {comparison.status}: {counts}")


@app.command()
def rm(
    comparison_id: ComparisonId,
    with_jobs: Annotated[
        bool, typer.Option("--with-jobs", help="Also delete its jobs, with their models and files.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete a comparison whose jobs have ended. The jobs stay."""
    with connect() as client:
        client.comparisons.delete(comparison_id, with_jobs=with_jobs)
    emit({"id": comparison_id, "deleted": True}, as_json=as_json, text=f"deleted {comparison_id}")


def _files(csv: Path | None, markdown: Path | None, png: Path | None) -> Files:
    """By the table's format; a folder that is not there is said before hours of training."""
    found: dict[TableFormat, Path | None] = {"csv": csv, "markdown": markdown, "png": png}
    for path in found.values():
        if path is not None and not path.absolute().parent.is_dir():
            raise BadInput(f"There is no folder {path.parent} to save {path.name} in.")
    return {name: path for name, path in found.items() if path is not None}


def _follow(client: Client, comparison: Comparison, files: Files, *, as_json: bool) -> None:
    """To the end; exits with 1 where that is no success."""
    try:
        with comparison_bars.Trials() as shown:
            for newest in client.comparisons.watch(comparison.id):
                shown.show(newest)
                comparison = newest
    except KeyboardInterrupt:
        return_to, end = f"patchswap compare watch {comparison.id}", f"patchswap compare cancel {comparison.id}"
        note(f"The jobs go on. Follow them: {return_to}   cancel them: {end}")
        raise typer.Exit(130) from None
    _print(client, comparison, files, as_json=as_json)
    if comparison.status != "succeeded":
        raise typer.Exit(1)


def _print(client: Client, comparison: Comparison, files: Files, *, as_json: bool) -> None:
    emit(comparison, as_json=as_json, text=text_of(comparison))
    for format_, path in files.items():
        client.comparisons.save_table(comparison.id, path, format=format_)
        note(f"saved {path}")
