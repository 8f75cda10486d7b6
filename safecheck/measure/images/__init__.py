"""Pictures in a folder, as the tensors a network expects, with their classes where somebody wrote them down."""
