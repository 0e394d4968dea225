"""``dvfl inspect``."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import click

from dvfl.cli.options import next_step, print_table
from dvfl.errors import BundleError

if TYPE_CHECKING:
    from dvfl.bundle import Bundle
    from dvfl.manifest import Artifact, Manifest, StoredFile

_SHOWN_LABELS = 8


@click.command(short_help="Show what a bundle holds, and whether it is intact.")
@click.argument("bundle")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest and the check as one JSON object.")
def inspect(bundle: str, as_json: bool) -> None:
    """Show what BUNDLE holds: model, labels, artifacts, proof; and compare every file's sha256.

    Exits with 1 if a file is missing or was changed after conversion.

    \b
    Examples:
      dvfl inspect demo/bundle
      dvfl inspect demo/bundle --json | jq .files

    \b
    --json prints {"manifest": the manifest,
                   "files": {FILE: "intact" | what is wrong}, "intact": true | false}
    """
    from dvfl.bundle import Bundle

    opened = Bundle.open(bundle)
    checks = {stored.file: _check(opened, stored) for stored in _stored_files(opened.manifest)}
    problems = [problem for problem in checks.values() if problem]
    if as_json:
        click.echo(json.dumps(_as_json(opened.manifest, checks)))
    else:
        _print_bundle(opened, checks)
    if problems:
        raise BundleError(problems[0])
    if not as_json:
        next_step(f"dvfl predict {shlex.quote(bundle)} CLIP")


def _stored_files(manifest: Manifest) -> list[StoredFile]:
    reference = [manifest.reference] if manifest.reference else []
    return [*manifest.artifacts, *reference, *manifest.reference_vectors]


def _check(bundle: Bundle, stored: StoredFile) -> str | None:
    """What is wrong with a file, or ``None``."""
    try:
        bundle.verified(stored)
    except BundleError as error:
        return str(error)
    except OSError as error:
        return f"{bundle.root}: '{stored.file}' cannot be read: {error.strerror}"
    return None


def _as_json(manifest: Manifest, checks: dict[str, str | None]) -> dict[str, Any]:
    return {
        "manifest": manifest.model_dump(mode="json"),
        "files": {file: problem or "intact" for file, problem in checks.items()},
        "intact": not any(checks.values()),
    }


def _print_bundle(bundle: Bundle, checks: dict[str, str | None]) -> None:
    manifest = bundle.manifest
    model, labels = manifest.model, manifest.labels
    more = f", ... ({len(labels) - _SHOWN_LABELS} more)" if len(labels) > _SHOWN_LABELS else ""
    click.echo(f"{bundle.root}\n")
    print_table(
        [
            (
                "model",
                f"{model.name}: {model.parameters:,} parameters, {model.macs / 1e9:.2f} GMACs per clip",
            ),
            ("input", f"{model.frames} frames of {model.size} x {model.size}, RGB"),
            ("checkpoint", f"{model.checkpoint} (sha256 {model.checkpoint_sha256[:12]}...)"),
            ("labels", f"{len(labels)}: {', '.join(labels[:_SHOWN_LABELS])}{more}"),
        ]
    )
    click.echo("\nartifacts")
    header = ("", "size", "input", "on the accelerator", "parity", "file", "")
    print_table([header, *(_artifact_row(artifact, checks) for artifact in manifest.artifacts)], right=(1,))
    others = [stored for stored in _stored_files(manifest) if stored not in manifest.artifacts]
    if others:
        click.echo("\nproof")
        print_table(
            [(stored.file, _size(stored.bytes), _state(stored, checks)) for stored in others], right=(1,)
        )


def _artifact_row(artifact: Artifact, checks: dict[str, str | None]) -> tuple[str, ...]:
    contract = artifact.input
    shape = "x".join(map(str, contract.shape))
    return (
        artifact.name,
        _size(artifact.bytes),
        f"{contract.dtype} {contract.layout} {shape}",
        _delegation(artifact),
        _parity(artifact),
        artifact.file,
        _state(artifact, checks),
    )


def _delegation(artifact: Artifact) -> str:
    report = artifact.operators
    if report is None:
        return "not examined"
    share = report.macs_share("delegate")
    calls = f" in {report.delegate_calls} calls" if report.delegate_calls > 1 else ""
    return f"{share:.1%} of MACs{calls}"


def _parity(artifact: Artifact) -> str:
    parity = artifact.parity
    worst = parity.worst
    if parity.status == "not_run" or worst is None:
        return f"not run: {parity.reason}" if parity.reason else parity.status.replace("_", " ")
    return f"{parity.status} (worst of {len(parity.clips)}: error {worst.max_abs_error:.1e})"


def _state(stored: StoredFile, checks: dict[str, str | None]) -> str:
    return "DAMAGED" if checks[stored.file] else "intact"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
