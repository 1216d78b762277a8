"""What is odd but real comes in, with a warning, and with a task where the book did not know it."""

from dunwell.records.models import Item, Task
from tests.flows.book.test_importing import DAY, Desk, desk
from tests.sources.files import HEADER, ROWS, csv

assert desk


def tasks() -> list[tuple[str, str, str]]:
    """Entity, kind and text of every task."""
    return list(Task.objects.order_by("entity__code", "kind").values_list("entity__code", "kind", "detail"))


ODD = (
    "ACME,1,Meyer,A-1,EUR,10.00,2026-03-02,2026-03-01",
    "ACME,1,Meier,A-2,EUR,0,2026-03-01,2026-03-31",
    "ACME,1,Meyer,A-3,EUR,10.00,2026-03-01,2026-03-31",
    "BETA,2,Smith,A-3,EUR,10.00,2026-03-09,2026-03-08",
)


def test_it_comes_in_with_a_warning_and_a_task(desk: Desk) -> None:
    report = desk.bring(csv(*ODD))
    assert (report.items.added, report.tasks) == (4, 4)
    assert report.warnings == (
        "1 account with more than one name (1 too many; 1 has 2); the most frequent is kept",
        "2 rows due before issue, first line 2 (due 2026-03-01, issued 2026-03-02); taken as they are",
        "1 row with an amount of zero, first line 3 (A-2); taken as they are",
    )
    assert tasks() == [
        ("ACME", "amount_of_zero", "items.csv: 1 row with an amount of zero, taken as they are: line 3 (A-2)"),
        ("ACME", "due_before_issue",
         "items.csv: 1 row due before issue, taken as they are: line 2 (due 2026-03-01, issued 2026-03-02)"),
        ("ACME", "several_names",
         "items.csv: 1 account with more than one name, the first of each is kept: line 2 (1: Meyer, Meier)"),
        ("BETA", "due_before_issue",
         "items.csv: 1 row due before issue, taken as they are: line 5 (due 2026-03-08, issued 2026-03-09)"),
    ]  # fmt: skip
    assert Item.objects.get(number="A-2").closed_on == DAY


def test_the_same_file_again_asks_nothing_again(desk: Desk) -> None:
    desk.bring(csv(*ODD))
    Task.objects.update(closed_at="2026-04-07T13:00Z")
    report = desk.bring(csv(*ODD))
    assert (report.tasks, Task.objects.count(), len(report.warnings)) == (0, 4, 3)
    later = desk.bring(csv(ODD[0].replace("2026-03-01", "2026-02-01"), *ODD[1:]))  # it is odd in another way now
    assert (later.tasks, Task.objects.filter(closed_at=None).get().kind) == (1, "due_before_issue")


def test_two_files_that_rename_each_other_s_accounts_ask_once_each(desk: Desk) -> None:
    files = csv(*ODD[:3]), csv(*(row.replace("Meyer", "Maier") for row in ODD[:3]))
    asked = [desk.bring(files[n % 2]).tasks for n in range(6)]
    assert asked == [3, 1, 0, 0, 0, 0]


def test_a_number_that_items_of_two_kinds_have(desk: Desk) -> None:
    header = HEADER + ",type"
    rows = (
        ROWS[0] + ",invoice",
        ROWS[1].replace("A-18", "A-17") + ",credit",
        ROWS[2].replace("A-19", "A-17") + ",payment",  # of another account
    )
    report = desk.bring(csv(*rows, header=header), "kind: {column: type}\n")
    assert report.items.added == 3
    assert report.warnings == (
        "2 rows with the number of another kind of item of the same account, first line 2 (A-17: credit, invoice)",
    )
    ((_entity, kind, detail),) = tasks()
    assert kind == "number_of_two_kinds"
    assert detail.endswith(" taken as they are: line 2 (A-17: credit, invoice), line 3 (A-17: credit, invoice)")


def test_tasks_name_the_first_lines_and_how_many_more(desk: Desk) -> None:
    desk.bring(csv(*(f"ACME,1,N,A-{n},EUR,0,,2026-04-01" for n in range(1000))))
    (task,) = tasks()
    assert task[2].startswith("items.csv: 1,000 rows with an amount of zero, taken as they are: line 2 (A-0), line 3 ")
    assert task[2].endswith("line 21 (A-19) and 980 more")


def test_unknown_accounts_and_entities_are_refused_where_the_mapping_says_so(desk: Desk) -> None:
    strict = "unknown_accounts: refuse\nunknown_entities: refuse\n"
    assert desk.refused(csv(), strict).splitlines()[1] == (
        "items.csv:2: company: there is no entity 'ACME' in the book, and the mapping adds none"
    )
    desk.bring(csv(*ROWS[:2]))
    assert desk.refused(csv(ROWS[0].replace("ACME", "ACMA"), ROWS[1]), strict).splitlines()[1] == (
        "items.csv:2: company: there is no entity 'ACMA' in the book; did you mean 'ACME'?, and the mapping adds none"
    )
    assert desk.refused(csv(), strict).splitlines()[1] == (
        "items.csv:4: customer: ACME has no account '00007' in the book, and the mapping adds none"
    )
    assert desk.bring(csv(*ROWS[:2]), strict).items.unchanged == 2
