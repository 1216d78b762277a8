"""A bank's statement read to pieces whose sums are checked, beside the bare streamed parse of the same XML.

The most memory of a tenth of the file is told as well: it is the same.
"""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.harness import measure, report

SEED: Final = 8
HEAD: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
 <BkToCstmrStmt>
  <GrpHdr>
   <MsgId>BENCH</MsgId>
   <CreDtTm>2026-03-02T18:00:00+01:00</CreDtTm>
  </GrpHdr>
  <Stmt>
   <Id>BENCH-1</Id>
   <Acct>
    <Id>
     <IBAN>DE89370400440532013000</IBAN>
    </Id>
    <Ccy>EUR</Ccy>
   </Acct>
"""
BALANCE: Final = """\
   <Bal>
    <Tp>
     <CdOrPrtry>
      <Cd>{code}</Cd>
     </CdOrPrtry>
    </Tp>
    <Amt Ccy="EUR">{amount}</Amt>
    <CdtDbtInd>CRDT</CdtDbtInd>
    <Dt>
     <Dt>2026-03-02</Dt>
    </Dt>
   </Bal>
"""
ENTRY: Final = """\
   <Ntry>
    <Amt Ccy="EUR">{amount}</Amt>
    <CdtDbtInd>CRDT</CdtDbtInd>
    <Sts>
     <Cd>BOOK</Cd>
    </Sts>
    <BookgDt>
     <Dt>2026-03-02</Dt>
    </BookgDt>
    <ValDt>
     <Dt>2026-03-02</Dt>
    </ValDt>
    <AcctSvcrRef>20260302{i:08}</AcctSvcrRef>
    <BkTxCd>
     <Domn>
      <Cd>PMNT</Cd>
      <Fmly>
       <Cd>RCDT</Cd>
       <SubFmlyCd>ESCT</SubFmlyCd>
      </Fmly>
     </Domn>
    </BkTxCd>
    <NtryDtls>
"""
PART: Final = """\
     <TxDtls>
      <Refs>
       <AcctSvcrRef>T20260302{i:08}</AcctSvcrRef>
       <EndToEndId>NOTPROVIDED</EndToEndId>
      </Refs>
      <Amt Ccy="EUR">{amount}</Amt>
      <CdtDbtInd>CRDT</CdtDbtInd>
      <RltdPties>
       <Dbtr>
        <Pty>
         <Nm>Account {account} GmbH</Nm>
        </Pty>
       </Dbtr>
       <DbtrAcct>
        <Id>
         <IBAN>DE0212030000{account:010}</IBAN>
        </Id>
       </DbtrAcct>
      </RltdPties>
      <RltdAgts>
       <DbtrAgt>
        <FinInstnId>
         <BICFI>BYLADEM1001</BICFI>
        </FinInstnId>
       </DbtrAgt>
      </RltdAgts>
      <RmtInf>
       <Ustrd>Invoice 2026-{i} of March, customer C{account:07}</Ustrd>
      </RmtInf>
     </TxDtls>
"""
ENTRY_END: Final = "    </NtryDtls>\n   </Ntry>\n"
TAIL: Final = "  </Stmt>\n </BkToCstmrStmt>\n</Document>\n"


def main(n: int = 100_000) -> None:
    """Measure a statement of `n` entries, one of a tenth, and one whose only entry is a batch of `n` payments."""
    with tempfile.TemporaryDirectory() as folder:
        for name, write in (("entries", write_entries), ("a batch", write_batch)):
            small, large = Path(folder) / "small.xml", Path(folder) / "large.xml"
            write(small, n // 10)
            write(large, n)
            floor = measure(bare, large)
            report(f"bank: {name}, bare parse", n, floor)
            report(f"bank: {name}", n, measure(pieces, large), floor)
            report(f"bank: {name}, a tenth", n // 10, measure(pieces, small), measure(bare, small))


def write_entries(path: Path, n: int) -> None:
    """Write a statement of `n` entries of one payment each."""
    amounts = minor_amounts(n)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD + balances(sum(amounts)))
        for i, minor in enumerate(amounts):
            file.write(ENTRY.format(amount=written(minor), i=i) + part(i, minor) + ENTRY_END)
        file.write(TAIL)


def write_batch(path: Path, n: int) -> None:
    """Write a statement of one entry, of `n` payments."""
    amounts = minor_amounts(n)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD + balances(sum(amounts)) + ENTRY.format(amount=written(sum(amounts)), i=0))
        file.writelines(part(i, minor) for i, minor in enumerate(amounts))
        file.write(ENTRY_END + TAIL)


def balances(booked_minor: int) -> str:
    """What the statement opens and closes with."""
    return BALANCE.format(code="OPBD", amount="1000.00") + BALANCE.format(
        code="CLBD", amount=written(100_000 + booked_minor)
    )


def part(i: int, minor: int) -> str:
    """One payment, of one of a tenth as many accounts."""
    return PART.format(i=i, amount=written(minor), account=i * 7919 % 100_003 // 10)


def minor_amounts(n: int) -> list[int]:
    """The amounts of the payments."""
    chance = random.Random(SEED)
    return [chance.randint(100, 1_000_000) for _ in range(n)]


def written(minor: int) -> str:
    """An amount as XML writes it."""
    return f"{minor // 100}.{minor % 100:02}"


def pieces(path: Path) -> Callable[[], object]:
    """Prepare to read a file to pieces that add up."""
    from dunwell.sources.bank.balances import balanced
    from dunwell.sources.bank.camt import read
    from dunwell.sources.problems import Problems

    def read_all() -> int:
        problems = Problems(path.name)
        count = sum(1 for _ in balanced(read(path, problems), problems))
        problems.refuse()
        return count

    return read_all


def bare(path: Path) -> Callable[[], object]:
    """Prepare the floor: every element of the file as it ends, and nothing made of it."""
    from lxml import etree

    def parse() -> None:
        for _, element in etree.iterparse(path, events=("end",)):
            element.clear()

    return parse
