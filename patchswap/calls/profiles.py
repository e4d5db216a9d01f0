"""Exported files measured again on devices: ask for it, wait for it, see which devices there are."""

from __future__ import annotations

from collections.abc import Iterator

from patchswap.calls import pages, waiting
from patchswap.errors import ProfileUnsuccessful
from patchswap.resources import Device, Profile
from patchswap.resources.bound import Home
from patchswap.transport import Transport


class Profiles:
    def __init__(self, client: Home) -> None:
        self._client = client
        self._transport: Transport = client.transport

    def create(self, export_id: str, *, device: str | None = None) -> Profile:
        """Ask for it; does not wait. The same file on the same device is measured once at a time."""
        model_id = self._client.exports.get(export_id).model_id
        body = {"export_id": export_id} | ({"device": device} if device is not None else {})
        return Profile.of(self._client, self._transport.post(f"/v1/models/{model_id}/profile", body))

    def get(self, profile_id: str) -> Profile:
        return Profile.of(self._client, self._transport.get(f"/v1/profiles/{profile_id}"))

    def list(self, model_id: str | None = None) -> Iterator[Profile]:
        """Newest first."""
        found = pages.items(self._transport, "/v1/profiles", order="desc", model=model_id)
        return (Profile.of(self._client, item) for item in found)

    def wait(self, profile_id: str, *, timeout_seconds: float | None = None) -> Profile:
        """The profile once it was measured. Raises ProfileUnsuccessful, WaitTimeout."""
        profile = waiting.until(
            lambda: self.get(profile_id),
            lambda found: found.status in ("succeeded", "failed"),
            what=profile_id,
            timeout_seconds=timeout_seconds,
        )
        if profile.status == "failed":
            raise ProfileUnsuccessful(f"profile {profile.id} failed", profile.error)
        return profile

    def devices(self) -> tuple[Device, ...]:
        """Those whose workers were seen within a week."""
        return tuple(Device.model_validate(item) for item in self._transport.get("/v1/devices")["data"])
