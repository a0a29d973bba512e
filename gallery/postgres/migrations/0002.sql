-- Embeddings of 512 numbers stay in their rows: a search reads some hundred, and each one
-- apart is two more pages.
ALTER TABLE {schema}.entries SET (toast_tuple_target = 4080);
