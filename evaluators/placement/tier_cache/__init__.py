"""Which experts of a mixture of experts are kept on the GPU while it decodes with the others in host memory."""
