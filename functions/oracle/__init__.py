"""Price feeds for the Flare FTSOv2 protocol: collect, aggregate, submit, serve."""
