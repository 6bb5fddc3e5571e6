"""Assess the health of an object by its status: one file for each family of kinds, and a rule for all others.

The states and their meaning are those of kstatus (kubernetes-sigs/cli-utils); where it knows too little of a kind,
the rule follows the health checks of gitops-engine, and says so.
"""
