# A dataset's files that lie in object storage, which Snakemake's storage plugins fetch: corpus: s3://bucket/corpus.jsonl


def addresses(dataset):
    """Return the files of a dataset that are given by an address, as {key of the configuration: address}."""
    return parse_dataset(config["datasets"][dataset]).addresses()


def fetched_files(wildcards):
    """Return what is to be fetched for a dataset."""
    return [storage(address) for address in addresses(wildcards.dataset).values()]


def local_spec(wildcards, input):
    """Return the entry of a dataset, with the paths of what was fetched in place of the addresses."""
    paths = dict(zip(addresses(wildcards.dataset), input.fetched))
    return canonical({**config["datasets"][wildcards.dataset], **paths})
