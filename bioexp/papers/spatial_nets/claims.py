"""What the paper shows and claims: one entry for each row of the ledger.

Nets of Table 1 have ten seeds: fewer leave its cells undecided, of which six make one verdict.
"""

from __future__ import annotations

from bioexp.papers.paper import Drawing
from bioexp.papers.spatial_nets import figures, layer_figures
from bioexp.papers.spatial_nets.measures import MIXING, THREE
from bioexp.papers.spatial_nets.mode_claims import MODE_CLAIMS
from bioexp.papers.spatial_nets.region_claims import REGION_CLAIMS
from bioexp.papers.spatial_nets.split_claims import SPLIT_CLAIMS
from bioexp.papers.spatial_nets.table_claims import TABLE_CLAIMS

CLAIMS = (*TABLE_CLAIMS, *MODE_CLAIMS, *REGION_CLAIMS, *SPLIT_CLAIMS)

DRAWINGS = (
    Drawing(
        "spatial_nets/fig1",
        "Fig. 1",
        "top view of all neurons, colored by group",
        (MIXING,),
        figures.fig1,
    ),
    Drawing(
        "spatial_nets/fig2",
        "Fig. 2",
        "the same in 3-D, a slice per layer",
        (MIXING,),
        figures.fig2,
    ),
    Drawing(
        "spatial_nets/three_tasks",
        "beyond the paper",
        "the split layers of nets of three tasks",
        (THREE,),
        layer_figures.three,
    ),
)
