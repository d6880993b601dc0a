"""PTX becomes machine code here, on machines without a GPU too, by a ptxas that is given nothing."""

from __future__ import annotations

import pytest

from evaluators.kernels.moe_kernel.assemble import assemble
from evaluators.kernels.moe_kernel.ptx import PtxError
from tests.evaluators.kernels.moe_kernel.ptx_texts import ADD

pytest.importorskip("triton", reason="ptxas comes with triton")


def test_machine_code_comes_with_what_it_takes() -> None:
    machine = assemble(ADD)
    assert machine.cubin.startswith(b"\x7fELF")
    assert 0 < machine.registers <= 255
    assert machine.spill_bytes == 0


def test_what_ptxas_refuses_is_told_in_one_line() -> None:
    with pytest.raises(PtxError, match="line 20; error : Not a name of any known instruction") as refused:
        assemble(ADD.replace("ret;", "return nothing;"))
    assert "\n" not in str(refused.value)


def test_files_of_the_machine_cannot_be_pulled_in() -> None:
    with pytest.raises(PtxError, match="ptxas refuses"):
        assemble('.include "/etc/hostname"\n' + ADD)
