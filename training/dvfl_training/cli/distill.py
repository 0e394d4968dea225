"""``dvfl distill``: a student from a data set and a teacher."""

from __future__ import annotations

from pathlib import Path

import click

from dvfl.cli.options import Choice
from dvfl_training.cli.shared import (
    MODELS,
    STUDENT_DROP_PATH,
    check_resuming,
    model_settings,
    need,
    run_options,
    start,
)
from dvfl_training.cli.shared import dry_run as try_out

HELP = """Distil a student from a teacher that was trained on the same data set.

The teacher is loaded strictly, shown to be better than chance on the validation clips, and sees the very
clips that the student sees. The loss is alpha * T^2 * KL(teacher || student) + (1 - alpha) * cross-entropy.
The run's folder is that of 'dvfl train'; best.pth and labels.txt go into 'dvfl convert'.

\b
Recipes: ucf101 ucf50 hmdb51 ssv2 kinetics400 folder demo-student fine-tune

\b
Examples:
  dvfl distill --teacher runs/teacher/best.pth --student nano --manifest ucf101.csv --recipe ucf101 \\
               --out runs/student
  dvfl distill --resume runs/student
  dvfl distill ... --set distillation.temperature=4 --set distillation.alpha=0.5
  dvfl distill ... --cache-logits logits --set augmentation.variants=4
                    ask the teacher once per clip and variant, not once per epoch
  dvfl distill --teacher student.pth --fine-tune small.pth --manifest ucf101.csv --out runs/small
                    train a compressed student further ('dvfl compress')

Exit codes: 0; 1 for an error; 2 wrong usage; 130 after Ctrl-C, with the state saved.
"""


@click.command("distill", help=HELP, short_help="Distil a student from a teacher.")
@click.option("--teacher", type=click.Path(path_type=Path), help="The teacher's checkpoint.")
@click.option(
    "--student", type=Choice("model", MODELS), help="A published network.  [default: the recipe's, or nano]"
)
@click.option(
    "--fine-tune",
    type=click.Path(path_type=Path),
    metavar="CHECKPOINT",
    help="Train this student further as it is: its size, clip and head, and the ranks of 'dvfl compress'.",
)
@click.option(
    "--cache-logits",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep the teacher's logits here; needs fixed augmentations.",
)
@click.option("--trust-teacher", is_flag=True, help="Do not evaluate the teacher first.")
@run_options
def distill(
    teacher: Path | None,
    student: str | None,
    fine_tune: Path | None,
    cache_logits: Path | None,
    trust_teacher: bool,
    manifest: Path | None,
    out: Path | None,
    recipe: str | None,
    settings: tuple[str, ...],
    init: Path | None,
    resume: Path | None,
    dry_run: bool,
    classes: int | None,
    device: str,
) -> None:
    """Starts or continues a run, or only tries it."""
    from dvfl_training.config import load_config
    from dvfl_training.runs import Request, resume_request

    if resume is not None:
        check_resuming(
            teacher=teacher,
            student=student,
            fine_tune=fine_tune,
            cache_logits=cache_logits,
            trust_teacher=trust_teacher,
            out=out,
            recipe=recipe,
            init=init,
            dry_run=dry_run,
            classes=classes,
        )
        start(resume_request(resume, settings, manifest, device))
        return
    if fine_tune is not None:
        if student or init:
            raise click.UsageError("--fine-tune goes on with its checkpoint; leave out --student and --init")
        from dvfl_training.initialisation import settings_of

        init, recipe = fine_tune, recipe or "fine-tune"
        settings = (*settings_of(fine_tune), *settings)
    config = load_config(recipe, (*model_settings(student, STUDENT_DROP_PATH), *settings))
    if dry_run:
        try_out(config, manifest, classes, device, init=init, teacher=need(teacher, "--teacher"))
        return
    start(
        Request(
            out=need(out, "--out"),
            manifest=need(manifest, "--manifest"),
            config=config,
            teacher=need(teacher, "--teacher"),
            init=init,
            logits=cache_logits,
            trust_teacher=trust_teacher,
            device=device,
        )
    )
