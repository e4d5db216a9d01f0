"""What ingest has to say about an archive, collected as it goes. The words of a finding stand where it is found."""

from collections import Counter
from dataclasses import dataclass

from contract.results.ingested import MAX_FINDINGS, Finding, Severity
from contract.results.inspected import MAX_LEFT_OUT

LISTED_PER_CODE = 100  # so that one kind of fault does not crowd out the others
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


class Refused(Exception):
    """The whole archive cannot be used."""

    def __init__(self, code: str, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix


@dataclass(frozen=True)
class Missing:
    """A picture that was left out, to be shown."""

    path: str
    code: str
    thumbnail: bytes  # empty where there is none


class Findings:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.skipped = 0  # images left out
        self.rejected = 0  # of those, the ones that are themselves at fault
        self.ignored = 0  # other files
        self.missing: list[Missing] = []  # at most MAX_LEFT_OUT of each kind
        self._listed: list[Finding] = []
        self._rejections: Counter[str] = Counter()

    def add(
        self, severity: Severity, code: str, message: str, *, fix: str | None = None, path: str | None = None
    ) -> None:
        self.counts[code] += 1
        if severity == "error" or self.counts[code] <= LISTED_PER_CODE:
            self._listed.append(Finding(severity=severity, code=code, path=path, message=message, fix=fix))

    def extend(self, others: "Findings") -> None:
        """Take over what another collection holds."""
        for finding in others.listed():
            if finding.severity == "error" or self.counts[finding.code] < LISTED_PER_CODE:
                self._listed.append(finding)
        for missing in others.missing:
            self.show_missing(missing.path, missing.code, missing.thumbnail)
        self.counts.update(others.counts)

    def refuse(self, refusal: Refused) -> None:
        self.add("error", refusal.code, refusal.message, fix=refusal.fix)

    def reject(self, path: str, code: str, message: str, *, fix: str | None = None, thumbnail: bytes = b"") -> None:
        """An image file that cannot be used; too many of these fail the archive."""
        self.rejected += 1
        self._rejections[code] += 1
        self.leave_out(path, code, message, fix=fix, thumbnail=thumbnail)

    def leave_out(self, path: str, code: str, message: str, *, fix: str | None = None, thumbnail: bytes = b"") -> None:
        """A sound image that the layout has no place for."""
        self.skipped += 1
        self.show_missing(path, code, thumbnail)
        self.add("warning", code, message, fix=fix, path=path)

    def show_missing(self, path: str, code: str, thumbnail: bytes) -> None:
        """Have a picture shown among those that were left out; `leave_out` does."""
        if sum(missing.code == code for missing in self.missing) < MAX_LEFT_OUT:
            self.missing.append(Missing(path, code, thumbnail))

    def ignore(self, path: str, code: str, message: str) -> None:
        """A file nothing was expected of."""
        self.ignored += 1
        self.add("info", code, message, path=path)

    def commonest(self) -> str:
        """What is wrong with most of the rejected images, as a sentence with an example."""
        if not self._rejections:
            return ""
        code, count = self._rejections.most_common(1)[0]
        first = next((finding for finding in self._listed if finding.code == code), None)
        example = f" {first.path}: {first.message}" if first else ""
        return f"Most often ({count}), as in{example}"

    def commonest_fix(self) -> str:
        """What to do about most of the rejected images."""
        code = self._rejections.most_common(1)[0][0] if self._rejections else ""
        found = next((finding.fix for finding in self._listed if finding.code == code and finding.fix), None)
        return found or "Mend or remove them."

    @property
    def failed(self) -> bool:
        return any(finding.severity == "error" for finding in self._listed)

    def listed(self) -> list[Finding]:
        """The most important first, at most MAX_FINDINGS."""
        return sorted(self._listed, key=lambda finding: _ORDER[finding.severity])[:MAX_FINDINGS]
