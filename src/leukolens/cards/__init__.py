"""Cards: what the manifests know of a bundle or a data set, with its source, and what people must still say."""
