"""`./run bench`: the speed budgets of DESIGN.md 10 as ratios measured in one run. No part of the product."""
