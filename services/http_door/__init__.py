"""Takes CloudEvents over HTTP and puts them into the ingress topics."""
