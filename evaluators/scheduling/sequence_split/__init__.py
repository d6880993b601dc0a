"""How the sequences of a training batch are spread over ranks and micro-batches, the long ones cut."""
