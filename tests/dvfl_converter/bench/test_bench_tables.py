"""What a person reads: tables that fit, and a Markdown section that knows its place."""

from __future__ import annotations

import pytest
from bench_samples import PLAIN, engine, results

from dvfl.cli.options import print_table
from dvfl.errors import OutputError
from dvfl_converter.bench import tables
from dvfl_converter.bench.results import Ratio
from dvfl_converter.bench.section import check_section, markdown, write_section

TITLE = "nano-w32, 8 x 64 x 64, 10 classes"
BEGIN, END = f"<!-- begin dvfl bench {TITLE} -->", f"<!-- end dvfl bench {TITLE} -->"


def rows(table):
    return [dict(zip(table[0], row, strict=True)) for row in table[1:]]


class TestTables:
    def test_speed_says_times_ratio_interval_and_share(self):
        (row,) = rows(tables.speed(results(engine(ratios=(PLAIN,)))))
        assert list(row.values()) == [
            *("litert-fp32", "1", "11.00", "12.00", "10.00"),
            *("0.750", "0.700-0.800", "0.730", "50%", "2.00"),
        ]

    def test_cost_says_the_median_start_and_the_last_process_peak(self):
        (row,) = rows(tables.cost(results()))
        assert list(row.values()) == [*("litert-fp32", "1", "10.0", "6.0", "9.0", "82.0", "32.0", "0.999980")]

    def test_what_is_not_known_is_a_dash(self):
        bare = engine(memory=None, cosine=None, gemm_share=None, times_the_limit=None)
        assert [*rows(tables.speed(results(bare)))[0].values()][5:] == ["-"] * 5
        assert [*rows(tables.cost(results(bare)))[0].values()][5:] == ["-"] * 3

    def test_a_ratio_of_few_rounds_has_no_interval(self):
        few = PLAIN.model_copy(update={"low": None, "high": None})
        assert rows(tables.speed(results(engine(ratios=(few,)))))[0]["95 % interval"] == "-"

    def test_rows_go_by_threads_then_runtime_plain_first(self):
        names = ["executorch-fp32", "litert-int8", "litert-plain-fp32"]
        shown = rows(tables.speed(results(*(engine(name, threads) for name in names for threads in (2, 1)))))
        assert [(row["artifact"], row["thr"]) for row in shown] == [
            (name, threads)
            for threads in "12"
            for name in ("executorch-fp32", "litert-plain-fp32", "litert-int8")
        ]

    def test_the_widest_figures_fit_110_columns(self, capsys):
        slow = engine(
            "executorch-plain-int8",
            16,
            runs_ms=(98765.43,) * 3,
            ratios=(
                Ratio(
                    baseline="executorch-plain-fp32",
                    median=10.123,
                    low=10.123,
                    high=10.123,
                    of_medians=10.0,
                    of_minima=10.123,
                ),
            ),
            gemm_share=12.34,
            times_the_limit=1234.56,
            file_bytes=900_000_000,
        )
        for table in (tables.speed(results(slow)), tables.cost(results(slow))):
            print_table(table, right=range(1, len(table[0])))
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 110


class TestRemarks:
    def test_the_machines_rate_names_its_library_and_the_slower_one(self):
        assert (
            "fp32 matrix product at 1 thread: 83.9 GMAC/s at best, 41.9 in the median round "
            "(oneDNN, 128 x 128 x 512, MKL: 21.0)" in tables.remarks(results())
        )

    def test_int8_is_also_compared_with_the_runtimes_own_int8(self):
        own = PLAIN.model_copy(update={"baseline": "litert-plain-int8"})
        found = tables.remarks(results(engine("litert-int8", ratios=(PLAIN, own))))
        assert "litert-int8 at 1 thread takes 0.750 (0.700-0.800) of the time of litert-plain-int8" in found

    def test_fp32_is_not_repeated(self):
        assert not any("takes" in line for line in tables.remarks(results(engine(ratios=(PLAIN,)))))

    def test_what_did_not_run_and_what_failed_are_there(self):
        found = tables.remarks(results(failures=("bad: crashed",)))
        assert "coreml-fp16 (5.3 MB): not run here: runs only on macOS" in found
        assert "not timed: bad: crashed" in found

    def test_an_engine_that_does_not_sleep_is_named(self):
        found = tables.remarks(results(engine(idle_cpu_ms=(4.0, 5.0, 6.0))))
        assert (
            "litert-fp32 at 1 thread used 5.0 ms of processor time per round while others were measured"
            in found
        )


class TestMarkdown:
    def test_it_has_command_machine_versions_and_both_tables(self):
        text = markdown(results(engine(ratios=(PLAIN,))))
        assert text.startswith(
            "## nano-w32, 8 x 64 x 64, 10 classes\n\n```\ndvfl bench demo/bundle --baseline\n```"
        )
        assert "- CPU, 2 cores, Linux x86_64, load 0.5 before and 1.5 after\n" in text
        assert "- python 3.11.7, torch 2.13.0\n" in text
        assert (
            "| litert-fp32 | 1 | 11.00 | 12.00 | 10.00 | 0.750 | 0.700-0.800 | 0.730 | 50% | 2.00 |" in text
        )
        assert "| litert-fp32 | 1 | 10.0 | 6.0 | 9.0 | 82.0 | 32.0 | 0.999980 |" in text

    def test_a_new_file_is_the_section(self, tmp_path):
        path = tmp_path / "RESULTS.md"
        write_section(path, results())
        assert path.read_text() == f"{BEGIN}\n{markdown(results())}{END}\n"

    def test_only_the_part_between_the_marks_is_replaced(self, tmp_path):
        path = tmp_path / "RESULTS.md"
        path.write_text(f"# Results\n\n{BEGIN}\nold\n{END}\n\nkept\n")
        write_section(path, results())
        write_section(path, results())
        assert path.read_text() == f"# Results\n\n{BEGIN}\n{markdown(results())}{END}\n\nkept\n"

    @pytest.mark.parametrize(
        "text",
        ["# Results\n", f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n"],
    )
    def test_a_file_without_its_place_is_refused_and_left_alone(self, tmp_path, text):
        path = tmp_path / "RESULTS.md"
        path.write_text(text)
        for attempt in (lambda: check_section(path, results().model), lambda: write_section(path, results())):
            with pytest.raises(OutputError, match="has no place for this bench; put the lines"):
                attempt()
        assert path.read_text() == text

    def test_after_the_sections_of_other_models_it_comes_last(self, tmp_path):
        path = tmp_path / "RESULTS.md"
        others = f"{BEGIN}\nold\n{END}\n".replace("nano-w32", "nano")
        path.write_text(others)
        write_section(path, results())
        write_section(path, results())
        assert path.read_text() == f"{others}\n{BEGIN}\n{markdown(results())}{END}\n"
