"""The resources of Argo CD: Applications and ApplicationSets."""
