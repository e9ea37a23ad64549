"""Search as it is deployed: quantize the query, search the index, rescore the candidates."""
