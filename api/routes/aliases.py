"""Aliases of models and files: set, read, downloaded through, and what they were before."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from api.identity.authentication import Fetching, Reading, Writing
from api.routes import documented
from api.routes.exports import file_of
from api.schemas.aliases import Alias, AliasChange, AliasFile, AliasTarget
from api.wire import answers, downloads, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import AliasName
from api.writes.transactions import Database
from core import listing, tables
from core.errors import PreconditionFailed
from core.exports import aliases

router = APIRouter(prefix="/v1/aliases", tags=["aliases"], route_class=JsonRoute)
_LIST = documented.problems(*documented.LIST)
OnlyIf = Annotated[str | None, Header(description="The `ETag` that the alias must have: compare-and-set.")]
OnlyIfNone = Annotated[str | None, Header(description="`*`: only if there is no alias by this name.", pattern=r"^\*$")]


@router.get("", operation_id="list_aliases", response_model=Page[Alias], responses=_LIST)
def list_aliases(request: Request, principal: Reading, session: Database, window: InOrder) -> Response:
    found = listing.aliases(session, principal.tenant_id, window)
    return paging.page(request, [(alias.id, _page(alias, export)) for alias, export in found], window.limit)


@router.put(
    "/{alias}",
    operation_id="set_alias",
    response_model=Alias,
    responses=documented.problems(*documented.WRITE, 412)
    | {201: {"model": Alias, "description": "Created: the name was new."}},
)
def set_alias(  # noqa: PLR0917 - one parameter a header
    request: Request,
    principal: Writing,
    session: Database,
    alias: AliasName,
    body: AliasTarget,
    if_match: OnlyIf = None,
    if_none_match: OnlyIfNone = None,
) -> Response:
    """Point an alias at a file, and so at its model. 201 if the name is new."""

    def expect(row: tables.Alias | None) -> None:
        if row is None and if_match is not None:
            raise PreconditionFailed(f"There is no alias {alias}, so it cannot have this ETag.")
        if row is not None and if_none_match is not None:
            raise PreconditionFailed(f"There is an alias {alias} already. Read it, and send its ETag as If-Match.")
        if row is not None:
            answers.require_match(request, lambda: _tag(session, row))

    row, new = aliases.put(
        session,
        principal.tenant_id,
        alias,
        export_id=body.export_id,
        key_id=principal.key_id,
        expect=expect,
    )
    content = _read(session, row)
    headers = {"ETag": answers.entity_tag(answers.encode(content))} | ({"Location": _path(row)} if new else {})
    answer = answers.json(201 if new else 200, answers.encode(content), headers=headers)
    session.commit()
    return answer


@router.get(
    "/{alias}",
    operation_id="get_alias",
    response_model=Alias,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_alias(request: Request, principal: Reading, session: Database, alias: AliasName) -> Response:
    return answers.one(request, _read(session, aliases.find(session, principal.tenant_id, alias)))


@router.delete(
    "/{alias}",
    status_code=204,
    response_class=Response,
    operation_id="delete_alias",
    responses=documented.problems(*documented.REMOVE),
)
def delete_alias(request: Request, principal: Writing, session: Database, alias: AliasName) -> Response:
    """Delete an alias. Model and file stay, and so does its history."""
    row = aliases.find(session, principal.tenant_id, alias, lock=True)
    answers.require_match(request, lambda: _tag(session, row))
    aliases.delete(session, row, key_id=principal.key_id)
    session.commit()
    return answers.nothing()


@router.get("/{alias}/history", operation_id="list_alias_changes", response_model=Page[AliasChange], responses=_LIST)
def list_alias_changes(
    request: Request, principal: Reading, session: Database, window: InOrder, alias: AliasName
) -> Response:
    """List what an alias pointed at, also after its deletion."""
    found = listing.alias_changes(session, principal.tenant_id, alias, window)
    return paging.page(request, [(change.id, _change(change)) for change in found], window.limit)


@router.get(
    "/{alias}/download",
    operation_id="download_alias",
    response_class=Response,
    responses=documented.FILE | documented.problems(*documented.READ, 416) | documented.NOT_MODIFIED,
)
def download_alias(request: Request, principal: Fetching, session: Database, alias: AliasName) -> Response:
    """Download the file that an alias points at. Poll with `If-None-Match`: 304 until it points at another one.

    A key of the scope `device` may do this, too. `Content-Location` names the export.
    """
    row = aliases.find(session, principal.tenant_id, alias)
    file = file_of(session.get_one(tables.Export, row.export_id))
    headers = {"ETag": file.tag, "Content-Location": f"/v1/exports/{row.export_id}/download"}
    if answers.matches(request.headers.get("if-none-match"), file.tag):
        return Response(status_code=304, headers=headers | {"Cache-Control": "private, no-cache"})
    answer = downloads.answer(request, file)
    answer.headers.update(headers)
    return answer


def _read(session: Database, row: tables.Alias) -> Alias:
    return _page(row, session.get_one(tables.Export, row.export_id))


def _page(row: tables.Alias, export: tables.Export) -> Alias:
    file = file_of(export)
    return Alias(
        name=row.name,
        revision=row.revision,
        model_id=row.model_id,
        export_id=row.export_id,
        file=AliasFile(format=export.format, precision=export.precision, bytes=file.bytes, sha256=file.sha256),
        created_at=row.created_at,
        changed_at=row.changed_at,
        links={
            "self": _path(row),
            "download": f"{_path(row)}/download",
            "history": f"{_path(row)}/history",
            "model": f"/v1/models/{row.model_id}",
            "export": f"/v1/exports/{row.export_id}",
        },
    )


def _path(row: tables.Alias) -> str:
    return f"/v1/aliases/{row.name}"


def _tag(session: Database, row: tables.Alias) -> str:
    return answers.entity_tag(answers.encode(_read(session, row)))


def _change(row: tables.AliasChange) -> AliasChange:
    return AliasChange(
        id=row.id,
        name=row.name,
        revision=row.revision,
        model_id=row.model_id,
        export_id=row.export_id,
        key_id=row.key_id,
        at=row.created_at,
    )
