"""Assess what gets its address from outside: Services of type LoadBalancer, and Ingresses."""

from __future__ import annotations

from towline.health.body import entries, in_progress, part, text
from towline.model import CURRENT, Body, Health


def assess_service(body: Body) -> Health:
    """Wait until a load balancer has an address, as gitops-engine does; other Services are ready once they exist."""
    if text(part(body, "spec"), "type") != "LoadBalancer":
        return CURRENT
    if any(entries(part(body, "status", "loadBalancer"), "ingress")):
        return CURRENT
    return in_progress("the load balancer has no address yet")


def assess_ingress(_body: Body) -> Health:
    """Treat an Ingress as ready once it exists, as kstatus does: many controllers publish no address."""
    return CURRENT
