"""What a user may set: the network, the transfer, the machines."""

from __future__ import annotations

from evaluators.parameter_specs import file, integer, number

MACHINE_USD_PER_H = 0.54  # the price that the public evaluator of ADRS charges
MOST_REGIONS = 32
MOST_FLOWS = 12_000  # regions x regions x destinations, for which the bound takes some three seconds

# What is not set is the suite's to choose: some values in search and validation, others in the hold-out.
PARAMETERS = (
    file("grid", "measured network, .csv or .csv.gz: src_region,dst_region,gbps,usd_per_gb; regions as provider:name"),
    integer("regions", 12, 3, MOST_REGIONS, "regions of a network, relays included; unset: 10 to 24, by scenario"),
    integer("destinations", 5, 1, MOST_REGIONS - 1, "of the transfer; unset: 3 to 14, by scenario"),
    integer("partitions", 10, 1, 64, "equal parts of the data set, each with a tree of its own; unset: 4 to 32"),
    number("volume_gb", 300.0, 1e-3, 1e7, "size of the data set; unset: 50 to 1000"),
    number("time_usd_per_h", 100.0, 0.0, 1e6, "what an hour until the last byte is worth; unset: 0 to 6000"),
    integer("machines", 2, 1, 64, "machines in each region; unset: 2, or drawn for each region, by scenario"),
    number("machine_usd_per_h", MACHINE_USD_PER_H, 1e-3, 1e3, "price of a machine"),
    number("egress_gbps", 0.0, 0.0, 1e3, "what a machine can send; 0: aws 5, gcp 7, azure 16, by the grid's names"),
    number("ingress_gbps", 0.0, 0.0, 1e3, "what a machine can receive; 0: aws 10, gcp 16, azure 16"),
)
