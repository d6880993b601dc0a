"""Task `broadcast`: one data set from a cloud region to several others, along trees of links, at the least cost."""
