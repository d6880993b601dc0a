"""One module per page: reads the query, asks the archive, shows views and charts.

Not called `pages`: Streamlit would take the files of a folder with that name for pages of its own.
"""
