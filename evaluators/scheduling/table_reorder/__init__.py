"""The task `table_reorder`: prompts from the rows of a table, ordered so that a prefix cache is hit."""
