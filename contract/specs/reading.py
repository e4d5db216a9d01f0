"""How to read an archive where it can be read in more than one way. Every field left at its default is inferred."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from contract.strict import Strict

MAX_ENTRIES = 10_000  # classes, patterns, colours

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_024)]
ClassName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Level = Annotated[int, Field(ge=0, le=255)]
Unlabelled = Literal["auto", "skip", "background", "refuse"]


class LabelmapEntry(Strict):
    """One class of a mask: the value or the colour that its pixels have."""

    name: ClassName
    value: Level | None = Field(None, description="The class number in gray or palette masks.")
    colour: tuple[Level, Level, Level] | None = Field(None, description="Red, green, blue in masks of colours.")

    @model_validator(mode="after")
    def _says_how_it_is_drawn(self) -> Self:
        if self.value is None and self.colour is None:
            raise ValueError("Give a value or a colour.")
        return self


class ReadingSpec(Strict):
    """How to read the archive. A field that the layout of the archive cannot use is refused, never ignored."""

    classes_at: Annotated[int, Field(strict=True, ge=1, le=100)] | Text | None = Field(
        None,
        description="Which folders are the classes: a depth, where 1 is the top level of the archive, or a glob of "
        "folders such as `data/*/train/*`, or two depths such as `1-2`, whose names are joined: `Apple/healthy`. "
        "Null: inferred from the whole tree.",
        examples=[2, "1-2", "data/train/*"],
    )
    ignore: Annotated[tuple[Text, ...], Field(max_length=MAX_ENTRIES)] = Field(
        (),
        description="Globs of files and folders to leave out, such as `examples/*` or `*.csv`. `*` also matches `/`.",
    )
    labels_from: Text = Field(
        "auto",
        description="Where the labels of a classification dataset are: `folders`; `file_names`, the word before the "
        "number as in `cat.0.jpg`; or the path of a table or list in the archive (a glob for several, "
        "`variant_*.txt`), `PATH:COLUMN` for one of its columns; of Parquet files the column. `auto`: inferred.",
        examples=["folders", "file_names", "data/labels.csv", "styles.csv:articleType"],
    )
    map: Annotated[dict[ClassName, ClassName], Field(max_length=MAX_ENTRIES)] = Field(
        {},
        description='Rename or merge classes, `{"kitten": "cat"}`, or change values of masks, `{"255": "1"}`. '
        "All at once: a name that it leads to is not looked up again.",
    )
    drop: Annotated[tuple[ClassName, ...], Field(max_length=MAX_ENTRIES)] = Field(
        (),
        description="Classes to leave out, by their names after `map`. Images with one label are left out with it; "
        "boxes are removed; pixels become ignored.",
    )
    labelmap: Annotated[tuple[LabelmapEntry, ...], Field(min_length=1, max_length=256)] | None = Field(
        None, description="The classes of the masks with their values or colours, where the archive does not say."
    )
    masks: Text | None = Field(None, description="The folder of the masks in the archive. Null: found by its name.")
    unlabelled: Unlabelled = Field(
        "auto",
        description="What an image without an annotation is: `skip` leaves it out, `background` keeps it as an image "
        "that shows nothing, `refuse` refuses the dataset.",
    )
    instances_as: ClassName | None = Field(
        None, description="Masks that number objects, not classes: read every object as this class, 0 as background."
    )

    @property
    def stated(self) -> frozenset[str]:
        """The fields that ask for something else than the default."""
        fields = type(self).model_fields
        return frozenset(name for name, field in fields.items() if getattr(self, name) != field.default)

    def beyond(self, honoured: Iterable[str]) -> list[str]:
        """The fields that ask for something which is not among `honoured`, in order."""
        return sorted(self.stated - set(honoured))


AS_FOUND = ReadingSpec()
