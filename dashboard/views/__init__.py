"""Records to frames; knows no Streamlit."""
