"""Know what the cluster holds of the objects that Towline owns, by watches."""
