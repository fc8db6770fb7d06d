"""What a smear picture is: reading it safely, its colour, squeeze, burned-in marks, quality and preparation."""
