"""The dashboard: what is archived, for people; reads only."""
