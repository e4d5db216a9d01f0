"""Profiles as a device claims them over HTTP: the leases and fences of any worker, and no others.

A claim belongs to the key that made it. Another key cannot renew, read or settle it, whatever fence it names.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.results.exported import ProfileResult
from core.accounts.keys import Principal
from core.database import leases, owned
from core.errors import Conflict
from core.exports import profiles
from core.tables import Profile

# What a device may say of a file that it could not run. Whatever else goes wrong there ends the attempt.
REMEDIES = {
    "missing_dependency": "Install the format's runtime on the device. The page Devices of the docs lists packages.",
    "runtime_failed": "Run the bundle's verify.py on the device. If it fails, too, export another format or precision.",
    "unknown_format": "Install a newer patchswap on the device.",
    "damaged_bundle": "Measure it again. If it fails again, export the model again.",
}


class ClaimLost(Conflict):
    """This claim is over: its lease ran out, or the profile was ended. Drop the work and claim again."""


def claim(session: Session, of: Principal, *, device: str, host: str) -> Profile | None:
    """The profile of this device that waits longest, claimed. None where nothing waits."""
    waiting = (
        select(Profile.id)
        .where(Profile.tenant_id == of.tenant_id, Profile.device == device, Profile.status == "queued")
        .order_by(Profile.id)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    )
    profile_id = session.scalars(waiting).one_or_none()
    if profile_id is None:
        return None
    return profiles.claim(session, profile_id, f"{of.key_id}@{host}", device=device)


def held(session: Session, of: Principal, profile_id: str, fence: int) -> Profile:
    """The profile, while this key's claim on it holds. Raises ClaimLost."""
    profile = owned.find(session, Profile, of.tenant_id, profile_id)
    _require_held(profile, of, fence)
    return profile


def renew(session: Session, of: Principal, profile_id: str, fence: int) -> None:
    """Push the lease's end out. Raises ClaimLost."""
    _locked(session, of, profile_id, fence)
    leases.renew(session, Profile, profile_id, fence)


def report(session: Session, of: Principal, profile_id: str, fence: int, measured: dict[str, Any]) -> Profile:
    """Publish what was measured; the same report again changes nothing. Raises ClaimLost."""
    done = owned.find(session, Profile, of.tenant_id, profile_id, lock=True)
    if (done.status, done.fence, done.measured) == ("succeeded", fence, measured):
        return done
    _require_held(done, of, fence)
    profiles.publish(session, profile_id, fence, ProfileResult(measured=measured))
    return done


def fail(session: Session, of: Principal, profile_id: str, fence: int, *, code: str, message: str) -> Profile:
    """End a profile whose file this device cannot run; the same report again changes nothing. Raises ClaimLost."""
    error = JobError(code=code, category="platform", retryable=False, message=message, remediation=REMEDIES[code])
    done = owned.find(session, Profile, of.tenant_id, profile_id, lock=True)
    if (done.status, done.fence, done.error) == ("failed", fence, error.model_dump()):
        return done
    _require_held(done, of, fence)
    profiles.fail(session, profile_id, fence, error)
    return done


def give_back(session: Session, of: Principal, profile_id: str, fence: int, *, counted: bool) -> Profile:
    """Queue it again, or fail it when that happened too often. Raises ClaimLost."""
    profile = _locked(session, of, profile_id, fence)
    profiles.give_back(session, profile_id, fence, counted=counted)
    return profile


def _locked(session: Session, of: Principal, profile_id: str, fence: int) -> Profile:
    profile = owned.find(session, Profile, of.tenant_id, profile_id, lock=True)
    _require_held(profile, of, fence)
    return profile


def _require_held(profile: Profile, of: Principal, fence: int) -> None:
    is_mine = (profile.worker or "").partition("@")[0] == of.key_id
    if profile.status != "running" or profile.fence != fence or not is_mine:
        raise ClaimLost
