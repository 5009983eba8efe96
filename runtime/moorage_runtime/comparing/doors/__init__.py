"""From the bytes of each door's answers back to tensors."""
