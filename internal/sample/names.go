package sample

var girls = []string{"Emma", "Jade", "Louise", "Alice", "Chloé", "Lina", "Rose", "Léa", "Anna", "Mila", "Ambre", "Julia", "Mia", "Agathe", "Juliette", "Romy", "Lou", "Iris", "Zoé", "Nina", "Sofia", "Camille", "Aya", "Margaux", "Lison", "Assia", "Manon", "Capucine", "Maëlys", "Éléonore", "Héloïse", "Fatou"}

var boys = []string{"Gabriel", "Léo", "Raphaël", "Louis", "Arthur", "Jules", "Adam", "Maël", "Lucas", "Hugo", "Noah", "Liam", "Sacha", "Paul", "Nathan", "Aaron", "Ethan", "Eden", "Tom", "Gabin", "Malo", "Soan", "Naël", "Timéo", "Marius", "Robin", "Ismaël", "Côme", "Victor", "Ibrahim", "Théo", "Antoine"}

var mothers = []string{"Audrey", "Céline", "Delphine", "Stéphanie", "Nathalie", "Aïcha", "Laure", "Elsa", "Marion", "Émilie", "Sandrine", "Karine", "Leïla", "Virginie", "Caroline", "Pauline", "Mathilde", "Amélie", "Samira", "Vanessa", "Julie", "Aurélie", "Élodie", "Magali"}

var fathers = []string{"Guillaume", "Ludovic", "Mehdi", "Frédéric", "Karim", "Cédric", "David", "Nicolas", "Sébastien", "Jérôme", "Olivier", "Mamadou", "Benoît", "Vincent", "Rachid", "Arnaud", "Fabrice", "Xavier", "Stéphane", "Grégory", "Loïc", "Damien", "Bruno", "Étienne"}

var lasts = []string{"Perrault", "Benhamou", "Carlier", "Delattre", "Wacquez", "Lefèvre", "Moreau", "Garnier", "Rousseau", "Diallo", "Blanchard", "Marchand", "Poirier", "Leclercq", "Boucher", "Da Silva", "Caron", "Lemaire", "Dumont", "Roussel", "Hamdi", "Brunet", "Picard", "Vasseur", "Masson", "Colin", "Noël", "Gérard", "Mallet", "Tessier", "Bailly", "Charpentier", "D’Hautefeuille", "Traoré", "Guérin", "Maillard", "Renaud", "Schmitt", "Olivier", "Nguyen", "Barbier", "Aubry", "Cousin", "Pichon", "Le Goff", "Delannoy", "Flament", "Hennebelle", "Boulanger", "Morel", "Fournier", "Girard", "Bonnet", "Lambert", "Fauvel", "Martel", "Quentin", "Lesage", "Wattel", "Ziane"}
